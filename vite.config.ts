import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

/** What a browser fetches before the first page is there. */
const FIRST_LOAD_BYTES_MAX = 150_000;

/** Builds the console's pages into dist/console/web/, from where `http/console-pages.ts` serves them. */
export default defineConfig({
  root: fileURLToPath(new URL('./src/console/web', import.meta.url)),
  // Where they are the server writes into the page: at /console/, or below a path of a proxy.
  base: './',
  plugins: [measureFirstLoad()],
  esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
  // Vite's own message is about what isn't compressed; ours, below, is what counts.
  logLevel: 'warn',
  build: {
    outDir: fileURLToPath(new URL('./dist/console/web', import.meta.url)),
    emptyOutDir: true,
    target: 'es2022',
    // The content security policy knows no `data:` but for pictures.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 2_000,
  },
});

/** Prints the size of the first load, and ends the build where it is too large. */
function measureFirstLoad(): Plugin {
  return {
    name: 'measure-first-load',
    generateBundle(_, bundle) {
      const sizes = new Map<string, number>();
      const add = (name: string) => {
        const file = bundle[name];
        if (!file || sizes.has(name)) return;
        const isPacked = name.endsWith('.woff2');
        const bytes = Buffer.from(file.type === 'chunk' ? file.code : file.source);
        sizes.set(name, isPacked ? bytes.length : gzipSync(bytes).length);
        if (file.type !== 'chunk') return;
        file.imports.forEach(add);
        file.viteMetadata?.importedCss.forEach(add);
        file.viteMetadata?.importedAssets.forEach(add);
      };
      for (const file of Object.values(bundle)) if (file.type === 'chunk' && file.isEntry) add(file.fileName);
      for (const name of Object.keys(bundle)) if (name.endsWith('.woff2')) add(name);
      const total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
      console.log(`console: the first load is ${(total / 1000).toFixed(1)} kB compressed, in ${sizes.size} files`);
      if (total > FIRST_LOAD_BYTES_MAX) this.error(`The first load is over ${FIRST_LOAD_BYTES_MAX} bytes.`);
    },
  };
}
