import type { StorageAnswer } from '../../contract/admin-reports.js';
import { formatBytes, formatDate } from '../format.js';
import { text } from './texts.js';

/** In the units of the drawing: on a phone there are fewer, and the letters stay readable. */
const WIDE = 760;
const NARROW = 390;
const HEIGHT = 280;
const LEFT = 72;
const BOTTOM = 30;
const TOP = 12;

/** Bytes in use by day, from zero. */
export function StoragePlot({ points }: Pick<StorageAnswer, 'points'>) {
  const width = innerWidth < 736 ? NARROW : WIDE;
  const times = points.map(({ day }) => new Date(day).getTime());
  const [begin, end] = [times[0]!, times.at(-1)!];
  const ceiling = niceCeiling(Math.max(...points.map(({ usedBytes }) => usedBytes), 1));
  const x = (time: number) => LEFT + ((time - begin) / Math.max(end - begin, 1)) * (width - LEFT - 8);
  const y = (bytes: number) => TOP + (1 - bytes / ceiling) * (HEIGHT - TOP - BOTTOM);
  const line = points.map(({ usedBytes }, index) => `${x(times[index]!).toFixed(1)} ${y(usedBytes).toFixed(1)}`);
  const last = points.at(-1)!;
  const marks = [0, 0.25, 0.5, 0.75, 1].map((part) => part * ceiling);
  return (
    <svg class="plot" viewBox={`0 0 ${width} ${HEIGHT}`} role="img" aria-label={text.plot}>
      {marks.map((bytes) => (
        <g key={bytes}>
          <line class="grid" x1={LEFT} x2={width - 8} y1={y(bytes)} y2={y(bytes)} />
          <text x={LEFT - 10} y={y(bytes) + 4} text-anchor="end">
            {formatBytes(bytes)}
          </text>
        </g>
      ))}
      <path class="area" d={`M${x(begin)} ${y(0)}L${line.join('L')}L${x(end)} ${y(0)}Z`} />
      <path class="curve" d={`M${line.join('L')}`} />
      <circle class="point" cx={x(end)} cy={y(last.usedBytes)} r="4" />
      <text x={LEFT} y={HEIGHT - 8}>
        {formatDate(points[0]!.day)}
      </text>
      <text x={width - 8} y={HEIGHT - 8} text-anchor="end">
        {formatDate(last.day)}
      </text>
    </svg>
  );
}

/** The next of 1, 2, 4, 6, 8 times a power of ten: its quarters read well. */
function niceCeiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 6, 8, 10].map((step) => step * power).find((ceiling) => ceiling >= value)!;
}
