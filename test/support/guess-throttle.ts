import { SecretBox } from '../../src/accounts/secret-box.js';
import { Throttle } from '../../src/accounts/throttle.js';
import type { MetadataStore } from '../../src/stores/metadata-store.js';

/** A key of the tests' own. */
export const KEY_BOX = new SecretBox(Buffer.alloc(32, 1));

/** As a server has it. */
export function throttleOn(metadata: MetadataStore, now: () => number = Date.now): Throttle {
  return new Throttle(metadata, { box: KEY_BOX, now });
}
