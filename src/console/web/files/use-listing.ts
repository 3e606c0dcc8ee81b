import { useEffect, useRef, useState } from 'preact/hooks';
import { type FetchPage, Listing } from './listing.js';

/** A listing that is begun again when `key` changes; the component renders again as its pages come. */
export function useListing(key: string, fetchPage: FetchPage): Listing {
  const [, setVersion] = useState(0);
  const kept = useRef<{ key: string; listing: Listing } | null>(null);
  if (kept.current?.key !== key) {
    kept.current?.listing.stop();
    const listing = new Listing(fetchPage, () => {
      if (kept.current?.listing === listing) setVersion((version) => version + 1);
    });
    kept.current = { key, listing };
  }
  const { listing } = kept.current;
  useEffect(() => {
    void listing.want(1);
    return () => listing.stop();
  }, [listing]);
  return listing;
}
