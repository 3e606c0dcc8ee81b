const undoings = new Set<() => void>();
process.once('exit', () => {
  for (const undo of [...undoings].reverse()) undo();
});

/** Runs `undo` when this process ends, the last one first, also after a failed test; the result takes it back. */
export function undoAtExit(undo: () => void): () => void {
  undoings.add(undo);
  return () => undoings.delete(undo);
}
