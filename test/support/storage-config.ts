import type { EngineConfig } from '../../src/engines/open-engines.js';

/** The engines of a storage folder by itself, as a configuration without settings has them. */
export function inFolder(storage: string): EngineConfig {
  return { storage, metadata: { engine: 'sqlite' }, blobs: { engine: 'folder' }, secretKeyFile: null };
}
