import type { en } from './en-past.js';

export const fr: typeof en = {
  putBack: 'Rétablir',
  putBackTitle: (name) => `Rétablir « ${name} »`,
  putBackLead:
    'Le dossier redevient ce qu’il était alors, pour tous ceux qui le voient : les fichiers supprimés, modifiés ou renommés sont comme avant. Ce qui est venu depuis va à la corbeille.',
  putBackMoment: 'Tel qu’il était à',
  undo: 'Annuler',
  undoTitle: (name) => `Annuler ce que « ${name} » a fait`,
  undoLead: (drive) =>
    `Ce qui a été modifié, déplacé ou supprimé ainsi sur « ${drive} » est comme avant ; ce qui a été créé va à la corbeille. Ce que d’autres ont modifié depuis reste.`,
  undoMoment: 'Depuis',
  momentHint: 'À votre heure. Tout moment des dernières 24 heures ; avant, les heures pleines, puis les minuits (UTC).',
  look: 'Montrer ce qui change',
  otherMoment: 'Autre moment',
  nothingTitle: 'Rien à faire',
  nothing: 'Tout est comme avant.',
  steps: 'Ce qui change',
  foreseen: (count) => (count === 1 ? 'Une chose change.' : `${count} choses changent.`),
  what: { back: 'De retour', changed: 'Comme avant', moved: 'Replacé', trashed: 'À la corbeille' },
  keptTitle: (count) => `Reste tel quel (${count})`,
  why: {
    'changed-since': 'quelqu’un d’autre l’a modifié depuis',
    taken: 'autre chose porte son nom maintenant',
    'no-place': 'son dossier n’existe plus',
    elsewhere: 'vient d’ailleurs, ou est ailleurs',
    'not-empty': 'contient autre chose',
  },
  more: (count) => `Et ${count} de plus.`,
  done: (count) => (count === 1 ? 'Une chose est rétablie' : `${count} choses sont rétablies`),
};
