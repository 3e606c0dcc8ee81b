import type { en } from './en-first-start.js';

export const fr: typeof en = {
  steps: 'Étapes',
  step: (at, of) => `Étape ${at} sur ${of}`,
  youTitle: 'Bienvenue dans votre nouveau Firn',
  youText:
    'D’abord votre nom, et un mot de passe que vous seul connaissez. Celui que le serveur a affiché ne vaudra plus.',
  yourName: 'Votre nom',
  printed: 'Le mot de passe affiché par le serveur',
  own: 'Votre propre mot de passe',
  ownHint: 'Au moins 12 caractères. Trois ou quatre mots conviennent bien.',
  driveTitle: 'Nommez votre premier drive',
  driveText: 'Son dossier portera ce nom sur chaque appareil. Vous pourrez le changer plus tard.',
  driveName: 'Nom du drive',
  connectTitle: 'Connectez votre premier appareil',
  connectText:
    'Voici l’adresse du drive. Les étapes pour chaque programme, avec son propre mot de passe, sont à la page suivante.',
  address: 'Adresse',
  theAddress: 'l’adresse',
  connect: 'Montrez-moi comment',
  later: 'Plus tard : aux fichiers',
};
