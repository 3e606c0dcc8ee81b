import { z } from 'zod';
import { isEndpoint } from './text-checks.js';

/** A bucket of an object storage. */
export const bucketSetting = z.strictObject({
  engine: z.literal('s3'),
  /** Where the object storage is, like https://s3.example.org. */
  endpoint: z.string().refine(isEndpoint, 'needs an address like https://s3.example.org, without a path'),
  bucket: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{2,62}$/, 'needs the name of a bucket'),
  region: z.string().min(1).default('us-east-1'),
  /** What all names in the bucket begin with, like firn/. */
  prefix: z
    .string()
    .regex(/^(?:[A-Za-z0-9._-]+\/)*[A-Za-z0-9._-]*$/, 'needs plain names with / between them')
    .transform((prefix) => (prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`))
    .default(''),
  /** Two lines: the access key and its secret. */
  accessKeyFile: z.string().min(1),
  /** Whether the bucket is named in the path; else it is in the host. */
  pathStyle: z.boolean().default(true),
  /** PEM file of the authorities that vouch for the endpoint; null: the system's. */
  caFile: z.string().min(1).nullable().default(null),
});
