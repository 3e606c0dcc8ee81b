import { texts } from '../i18n.js';
import { en } from '../strings/en-connect.js';
import { fr } from '../strings/fr-connect.js';

export const text = texts({ en, fr });
