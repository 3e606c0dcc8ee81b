import { ROUTES } from '../../src/console/api/all-routes.js';
import { errorAnswer } from '../../src/console/contract/refusal.js';
import { type Route, Routes } from '../../src/console/route.js';
import type { Answer } from './http-client.js';

const routes = new Routes(ROUTES);

/** Throws where an answer of the JSON API isn't what the contract says of its route. */
export function checkAnswer(method: string, target: string, answer: Answer): void {
  const found = routes.find(method, target.split('?')[0]!);
  if ('methods' in found) return;
  try {
    if (answer.status < 400) checkSuccess(found.route, answer);
    else if (isJson(answer) && method !== 'HEAD') errorAnswer.parse(JSON.parse(answer.text));
  } catch (cause) {
    throw new Error(`the contract lies about ${method} ${target}: ${(cause as Error).message}`, { cause });
  }
}

function checkSuccess({ answer: form }: Route, answer: Answer): void {
  const { status, text } = answer;
  const statuses = statusesOf(form);
  if (!statuses.includes(status)) throw new Error(`it answered ${status} instead of ${statuses.join(', ')}`);
  if (form.kind === 'raw') return;
  if (form.kind === 'empty') {
    if (text !== '') throw new Error(`it answered "${text}"`);
    return;
  }
  if (!isJson(answer)) throw new Error('it answered something else than JSON');
  form.schema.parse(JSON.parse(text));
}

function statusesOf(form: Route['answer']): readonly number[] {
  if (form.kind === 'raw') return Object.keys(form.statuses).map(Number);
  return [form.kind === 'json' ? form.status : 204];
}

function isJson({ headers }: Answer): boolean {
  return /^application\/json\b/.test(headers['content-type'] ?? '');
}
