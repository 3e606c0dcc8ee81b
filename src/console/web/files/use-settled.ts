import { useEffect, useState } from 'preact/hooks';

/** What was typed, once nothing more was for a while; what is empty at once. */
export function useSettled(value: string, afterMs: number): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), afterMs);
    return () => clearTimeout(timer);
  }, [value]);
  return value === '' ? '' : settled;
}
