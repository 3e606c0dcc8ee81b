import type { ComponentChildren } from 'preact';
import { EmptyState, LoadFailed, Skeleton } from '../ui/feedback.js';
import type { Listing } from './listing.js';

interface ListingShownProps {
  readonly listing: Listing;
  /** What is said where there is nothing in it. */
  readonly empty: { readonly title: string; readonly text: string };
  readonly children: ComponentChildren;
}

/** The list, or what stands in its place: its coming, its failure, that it is empty. */
export function ListingShown({ listing, empty, children }: ListingShownProps) {
  const { error, folder, members, isComplete } = listing;
  return (
    <>
      {error ? <LoadFailed error={error} onRetry={() => listing.retry()} /> : null}
      {!folder && !error ? (
        <div class="files-coming">
          <Skeleton lines={7} />
        </div>
      ) : null}
      {isComplete && members.length === 0 ? <EmptyState title={empty.title}>{empty.text}</EmptyState> : null}
      {members.length > 0 ? children : null}
    </>
  );
}
