import { messageOf } from '../api.js';
import { addBelonging } from '../session.js';
import { Store } from '../store.js';

export interface Toast {
  readonly text: string;
  readonly isBad?: boolean;
  /** Takes back what was done: in place of a question beforehand. */
  readonly onUndo?: () => unknown;
}

/** On the screen, under a number of its own. */
export interface ShownToast extends Toast {
  readonly id: number;
}

const SHOWN_MAX = 3;

let lastId = 0;
export const toasts = new Store<readonly ShownToast[]>([]);

export function toast(wish: Toast): void {
  lastId += 1;
  toasts.set([...toasts.value, { ...wish, id: lastId }].slice(-SHOWN_MAX));
}

/** Says what went wrong. */
export function toastError(error: unknown): void {
  toast({ text: messageOf(error), isBad: true });
}

export function dropToast(id: number): void {
  toasts.set(toasts.value.filter((one) => one.id !== id));
}

addBelonging({ isUnderWay: () => false, giveUp: async () => toasts.set([]), drop: () => toasts.set([]) });
