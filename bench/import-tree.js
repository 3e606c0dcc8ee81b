// A tree for imports: a tenth of the files holds half of the bytes, and no two contents are the same.
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const LARGE_EVERY = 10;
const PER_FOLDER = 20;

/** @param {string} folder @param {number} files @param {number} bytes @returns {number} bytes written */
export function seeded(folder, files, bytes) {
  const large = Math.ceil(files / LARGE_EVERY);
  const sizes = { large: Math.floor(bytes / 2 / large), small: Math.floor(bytes / 2 / (files - large)) };
  const pool = randomBytes(sizes.large + files);
  let written = 0;
  for (let number = 0; number < files; number++) {
    const place = join(folder, `folder ${Math.floor(number / PER_FOLDER)}`);
    if (number % PER_FOLDER === 0) {
      mkdirSync(place);
      chmodSync(place, 0o755);
    }
    const size = number % LARGE_EVERY === 0 ? sizes.large : sizes.small;
    writeFileSync(join(place, `${number}.bin`), pool.subarray(number, number + size));
    written += size;
  }
  return written;
}
