import { RetryableError } from '../back-off.js';
import { JobFailedError } from '../job-runner.js';
import { listed, notBelowText } from './list-folder.js';
import { ListingError } from './listing-parser.js';
import { type SourceClient, SourceRefusal } from './source-client.js';
import { isSame } from './source-paths.js';

/**
 * Asks for the folder itself: whether the source is there, takes the password, and where its redirects lead, which is
 * what all else is asked from. Throws `RetryableError` where the source is away, `JobFailedError` where there is nothing to import.
 */
export async function findRoot(client: SourceClient, root: URL, signal: AbortSignal): Promise<URL> {
  await client.introduce(root, signal);
  try {
    const { url, resources } = await listed(client, root, '0', signal);
    for await (const { href, isCollection } of resources) {
      if (!isSame(href, url)) throw new JobFailedError(notBelowText(url));
      if (!isCollection) throw new JobFailedError('The address is that of a file; give that of a folder.');
      break;
    }
    return url;
  } catch (error) {
    if (error instanceof SourceRefusal) throw new JobFailedError(refusalText(error.status), { cause: error });
    if (error instanceof RetryableError && error.cause instanceof ListingError) {
      throw new JobFailedError(`There is no WebDAV folder at this address. ${error.message}`, { cause: error });
    }
    throw error;
  }
}

function refusalText(status: number): string {
  if (status === 401) return 'The source refuses the user name or the password.';
  if (status === 404) return 'There is no such folder at this address (the source answered 404).';
  return `There is no WebDAV folder to be read at this address (the source answered ${status}).`;
}
