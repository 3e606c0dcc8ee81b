import { texts } from '../i18n.js';
import { en } from '../strings/en-past.js';
import { fr } from '../strings/fr-past.js';

export const text = texts({ en, fr });
