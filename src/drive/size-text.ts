const UNITS = [
  { bytes: 1e9, name: 'GB' },
  { bytes: 1e6, name: 'MB' },
  { bytes: 1e3, name: 'kB' },
];

/** A size in a sentence, rounded down to one decimal: `50 GB`, `12.3 MB`, `700 bytes`. */
export function sizeText(bytes: number): string {
  const unit = UNITS.find((candidate) => bytes >= candidate.bytes);
  return unit ? `${Math.floor((bytes / unit.bytes) * 10) / 10} ${unit.name}` : `${Math.max(0, bytes)} bytes`;
}
