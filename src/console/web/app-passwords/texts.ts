import { texts } from '../i18n.js';
import { en } from '../strings/en-app-passwords.js';
import { fr } from '../strings/fr-app-passwords.js';

export const text = texts({ en, fr });
