import type { BlockList } from 'node:net';
import type { Authenticator } from '../accounts/authenticator.js';
import { HttpError } from '../http-error.js';
import { makeSignIn } from './authenticate.js';
import { type ChangesApiParts, changesAnswer } from './changes-api.js';
import { type CloudParts, cloudAnswer } from './cloud-bridge.js';
import { type ConsoleBridgeParts, consoleAnswer } from './console-bridge.js';
import { pagesAnswer } from './console-pages.js';
import type { Answer, Context } from './context.js';
import { driveAnswer } from './dav-bridge.js';
import { answerHealth, readinessAnswer } from './health.js';
import { answerMetrics, type MetricsParts } from './metrics.js';
import type { MountKind, MountOf } from './mounts.js';
import { answerParent } from './parents.js';

export interface AnswerParts extends CloudParts, ChangesApiParts, ConsoleBridgeParts {
  readonly authenticator: Authenticator;
  readonly realm: string;
  readonly metrics: MetricsParts;
  readonly trustedProxies: BlockList;
  /** Rejects with what keeps the server from working. */
  readonly checkReady: () => Promise<void>;
}

type Answers = { readonly [Kind in MountKind]: Answer<Kind> };

/** Makes what answers a request by the kind of its mount: the one place that says where each address is answered. */
export function answersOf(
  parts: AnswerParts,
): <Kind extends MountKind>(context: Context, mount: MountOf<Kind>) => Promise<void> {
  const signIn = makeSignIn(parts.authenticator, parts.realm);
  const answers: Answers = {
    drive: driveAnswer(parts, signIn),
    cloud: cloudAnswer(parts, signIn),
    api: changesAnswer(parts, signIn),
    'console-api': consoleAnswer(parts),
    console: pagesAnswer(),
    parent: answerParent,
    other: otherAnswer(parts),
  };
  return (context, mount) => answers[mount.kind](context, mount);
}

/** Answers what is no drive's and no page's: the probes, the metrics, and 404 for all else. */
function otherAnswer({ checkReady, metrics, trustedProxies }: AnswerParts): Answer<'other'> {
  const answerReadiness = readinessAnswer(checkReady);
  return async (context, { path }) => {
    switch (path) {
      case '/healthz':
        return answerHealth(context);
      case '/readyz':
        return answerReadiness(context);
      case '/metrics':
        return answerMetrics(metrics, trustedProxies, context);
      default:
        throw new HttpError(404, 'There is nothing here. Drives are at /dav/ID/, with the ID of the drive.');
    }
  };
}
