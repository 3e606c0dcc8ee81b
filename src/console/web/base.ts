/** The path below which a proxy has this Firn; empty: none. The server says it in the page. */
export const BASE =
  typeof document === 'undefined'
    ? ''
    : (document.querySelector<HTMLMetaElement>('meta[name=firn-base]')?.content ?? '');
