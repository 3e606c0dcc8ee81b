import { Store } from './store.js';

/** Set while the dialog that asks for the password again is open; called with whether the proof was given. */
export const proofWanted = new Store<((isGiven: boolean) => void) | null>(null);

let pending: Promise<boolean> | null = null;

/** Asks who is there for the password again; several requests at once ask once. */
export function askProof(): Promise<boolean> {
  pending ??= new Promise<boolean>((resolve) => {
    proofWanted.set((isGiven) => {
      proofWanted.set(null);
      pending = null;
      resolve(isGiven);
    });
  });
  return pending;
}
