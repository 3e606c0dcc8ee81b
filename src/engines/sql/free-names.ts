import type { NodeId } from '../../stores/values.js';

/**
 * Names that a transaction has seen to be free, on drives that it holds: what takes one of them needs no answer. The index of names
 * still judges; its refusal, which nobody expects then, ends the transaction.
 */
export class FreeNames {
  readonly #free = new Set<string>();

  note(parent: NodeId, name: string): void {
    this.#free.add(keyOf(parent, name));
  }

  /** Of a walk along `segments`, which found the parent of the last one and no more. */
  noteEnd(chain: readonly { readonly id: NodeId }[], segments: readonly string[]): void {
    const parent = chain.at(-1);
    if (parent && chain.length === segments.length) this.note(parent.id, segments.at(-1)!);
  }

  /** Of a question for those that are taken. */
  noteOthers(parent: NodeId, names: readonly string[], taken: ReadonlySet<string>): void {
    for (const name of names) if (!taken.has(name)) this.note(parent, name);
  }

  /** Whether the name is known to be free; from here on it isn't. */
  take(parent: NodeId, name: string): boolean {
    return this.#free.delete(keyOf(parent, name));
  }
}

function keyOf(parent: NodeId, name: string): string {
  return `${parent}/${name}`;
}
