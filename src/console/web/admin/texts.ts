import { texts } from '../i18n.js';
import { en } from '../strings/en-admin.js';
import { fr } from '../strings/fr-admin.js';

export const text = texts({ en, fr });
