import { texts } from '../i18n.js';
import { en } from '../strings/en-files.js';
import { fr } from '../strings/fr-files.js';

export const text = texts({ en, fr });
