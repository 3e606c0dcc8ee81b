import { texts } from '../i18n.js';
import { en } from '../strings/en-first-start.js';
import { fr } from '../strings/fr-first-start.js';

export const text = texts({ en, fr });
