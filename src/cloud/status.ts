import { type CloudAnswer, json } from './request.js';

/**
 * The version of Nextcloud whose protocol this is. Nextcloud's desktop program 3.7 wants 20 or newer, 3.15 and the apps
 * of today 26 or newer; ownCloud's 2.11 wants 10 or newer.
 */
export const CLOUD_VERSION = { major: 28, minor: 0, micro: 0, string: '28.0.0', edition: '', extendedSupport: false };

/** What is said of the server, with or without credentials. */
export const CLOUD_STATUS = {
  installed: true,
  maintenance: false,
  needsDbUpgrade: false,
  version: `${CLOUD_VERSION.string}.1`,
  versionstring: CLOUD_VERSION.string,
  edition: '',
  productname: 'Firn',
};

/** `status.php`: what programs ask for first, without credentials. */
export function statusPhp(): CloudAnswer {
  return json(200, { ...CLOUD_STATUS, extendedSupport: false });
}
