import { texts } from '../i18n.js';
import { en } from '../strings/en-security.js';
import { fr } from '../strings/fr-security.js';

export const text = texts({ en, fr });
