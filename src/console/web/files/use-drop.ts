import { useEffect, useState } from 'preact/hooks';
import { type DroppedNode, type Picked, walkDropped } from './dropped-files.js';
import { warnOfUnreadable } from './uploads.js';

/** Files and folders dropped anywhere on the page. Whether some are held over it. `onDrop` null: none are taken. */
export function useDrop(onDrop: ((picked: Picked) => unknown) | null): boolean {
  const [isOver, setOver] = useState(false);
  useEffect(() => {
    // Each element that is passed is entered and left.
    let depth = 0;
    const take = (event: DragEvent) => {
      if (!event.dataTransfer?.types.includes('Files')) return false;
      // A file that misses would be shown in place of the console.
      event.preventDefault();
      return onDrop !== null;
    };
    const enter = (event: DragEvent) => {
      if (!take(event)) return;
      depth++;
      setOver(true);
    };
    const leave = (event: DragEvent) => {
      if (!take(event)) return;
      depth = Math.max(0, depth - 1);
      if (depth === 0) setOver(false);
    };
    const drop = (event: DragEvent) => {
      if (!take(event)) return;
      depth = 0;
      setOver(false);
      // Only now, before anything is waited for, are they there to be asked for.
      const nodes = [...event.dataTransfer!.items].map((one) => one.webkitGetAsEntry());
      const dropped = nodes.filter((node) => node !== null) as DroppedNode[];
      void walkDropped(dropped, warnOfUnreadable).then((picked) => onDrop?.(picked));
    };
    const over = (event: DragEvent) => void take(event);
    const listeners = { dragenter: enter, dragleave: leave, dragover: over, drop } as const;
    for (const [name, listener] of Object.entries(listeners)) addEventListener(name, listener as EventListener);
    return () => {
      for (const [name, listener] of Object.entries(listeners)) removeEventListener(name, listener as EventListener);
    };
  }, [onDrop]);
  return isOver;
}
