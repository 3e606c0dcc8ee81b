import type { RefusalKind } from '../../refusal-kind.js';

/** Of a refusal whose details only the server knows, its own words come last. */
const SENTENCES: Readonly<Record<RefusalKind, string | ((words: string) => string)>> = {
  // Comptes
  'invalid-email': 'Ce n’est pas une adresse e-mail ; elle devrait ressembler à anna@example.org.',
  'invalid-name': 'Ce nom est vide, trop long, ou contient des caractères qui ne s’affichent pas.',
  'invalid-number': 'Cette valeur est hors des limites permises ici.',
  'weak-password':
    'Ce mot de passe est trop facile à deviner. Prenez-en un nouveau d’au moins 12 caractères, ni connu, ni répétitif, ni tiré de l’adresse e-mail.',
  'email-taken': 'Il existe déjà un compte avec cette adresse e-mail.',
  'drive-id-taken': 'Il existe déjà un drive avec ce numéro.',
  'no-such-user': 'Ce compte n’existe pas.',
  'no-such-drive': 'Ce drive n’existe pas, ou vous n’en êtes pas membre.',
  'no-such-member': 'Cette personne n’est pas membre du drive ; ajoutez-la d’abord.',
  'no-such-app-password': 'Ce mot de passe d’application n’existe plus.',
  'no-such-passkey': 'Cette clé d’accès n’existe pas.',
  'no-such-session': 'Cette session est déjà terminée.',
  'passkey-taken': 'Cette clé d’accès est déjà connue.',
  'last-second-factor':
    'C’est votre seul second facteur. Ajoutez-en d’abord un autre, ou désactivez l’authentification à deux facteurs.',
  'no-host-name': 'Les clés d’accès demandent un nom d’hôte : ouvrez la console par son nom, pas par une adresse IP.',
  'second-factor-on': 'L’authentification à deux facteurs est déjà active, ou l’installation a changé. Recommencez.',
  'second-factor-off': 'L’authentification à deux facteurs n’est pas active.',
  'wrong-code': 'Ce code est faux ou a déjà servi. Attendez le suivant.',
  'wrong-password': 'Le mot de passe est faux.',
  'wrong-credentials': 'L’adresse e-mail ou le mot de passe est faux.',
  throttled: 'Trop d’essais. Réessayez dans quelques minutes.',
  'last-manager': 'Un drive garde au moins un responsable. Nommez-en d’abord un autre.',
  'last-administrator': 'Il faut au moins un administrateur. Nommez-en d’abord un autre.',
  'app-password': 'C’est un mot de passe d’application. Connectez-vous ici avec le mot de passe de votre compte.',
  'former-password': 'Ce mot de passe a été changé. Entrez le nouveau.',
  'account-disabled': 'Ce compte est désactivé. Demandez à l’administrateur de l’activer.',
  // Sessions et droits
  'not-signed-in': 'Votre session est terminée. Connectez-vous.',
  'second-step': 'Il manque encore la seconde étape de la connexion.',
  'second-factor-required': 'Activez d’abord l’authentification à deux facteurs : elle est obligatoire ici.',
  'not-administrator': 'Seuls les administrateurs peuvent faire cela.',
  'not-fresh': 'Entrez encore une fois votre mot de passe pour cela.',
  forged: 'Cette demande n’est pas venue de la console. Rechargez la page.',
  'untrusted-proxy':
    'Firn ne connaît pas le proxy par lequel vous passez. Son administrateur doit en ajouter l’adresse au réglage trustedProxies.',
  'signed-in': 'Vous êtes déjà connecté.',
  'code-wanted': 'Il faut aussi un code.',
  'wrong-passkey': 'Cette clé d’accès n’a pas pu être vérifiée. Réessayez.',
  // Saisie
  'not-json': 'Le serveur n’a pas compris cette demande. Rechargez la page.',
  'invalid-input': 'Cette saisie n’est pas valable. Corrigez-la.',
  'wrong-method': 'Cela ne peut pas se faire ici.',
  // Fichiers
  'not-found': 'Il n’y a rien de ce nom.',
  'parent-missing': 'Le dossier où cela devrait aller n’existe pas. Créez-le d’abord.',
  exists: 'Il y a déjà un fichier ou un dossier de ce nom. Prenez-en un autre.',
  'not-a-collection': 'C’est un fichier, pas un dossier.',
  'is-a-collection': 'C’est un dossier, pas un fichier.',
  forbidden: 'Ce n’est pas permis à cet endroit, ou avec vos droits sur ce drive.',
  'into-itself': 'Un dossier ne peut pas aller dans lui-même.',
  'name-invalid': 'Un nom n’est ni vide, ni « . », ni « .. », et ne contient pas de « / ».',
  'name-too-long': 'Ce nom, ou le chemin entier, est trop long.',
  'drive-full': 'Il n’y a plus assez de place. Videz la corbeille, ou demandez un quota plus grand à l’administrateur.',
  'too-large': 'Ce fichier est plus grand que ce que ce drive accepte.',
  incomplete: 'L’envoi est arrivé incomplet. Réessayez.',
  'digest-mismatch': 'Les données sont arrivées altérées. Réessayez.',
  locked: 'Ce fichier est ouvert et verrouillé par quelqu’un d’autre.',
  'lock-conflict': 'Ce fichier est ouvert et verrouillé par quelqu’un d’autre.',
  busy: 'Le serveur y travaille déjà, ou est occupé. Réessayez dans un instant.',
  'too-deep': 'Ces dossiers seraient imbriqués trop profondément.',
  'tree-too-large': 'Ce dossier contient trop de fichiers pour une seule copie. Copiez-le par parties.',
  'source-changes': 'Le dossier a changé pendant la copie, à chaque essai. Copiez-le par parties.',
  'too-many': 'Il y a trop d’envois inachevés. Terminez-en d’abord.',
  'storage-full': 'Le disque du serveur est plein.',
  'disk-fails': 'Le disque du serveur n’a pas pu enregistrer cela. Réessayez dans un instant.',
  changed: 'Cela a changé entre-temps. Rechargez la page.',
  refused: (words) => `Le serveur a refusé : ${words}`,
  // Importations
  'import-ended': 'Cette importation est déjà terminée.',
  'too-many-imports':
    'Vous avez déjà plusieurs importations qui ne sont pas terminées. Attendez la fin de l’une d’elles, ou annulez-en une.',
  'too-many-tests': 'Trop de tests de connexion. Réessayez dans une minute.',
  'no-such-import': 'Cette importation n’existe pas.',
  'source-refused': (words) => `La source ne peut pas être lue : ${words}`,
};

/** The sentence for a refusal; the server's own where its word is not known, as that of a newer server. */
export function refusalInFrench(kind: string, words: string): string {
  if (!Object.hasOwn(SENTENCES, kind)) return words;
  const sentence = SENTENCES[kind as RefusalKind];
  return typeof sentence === 'string' ? sentence : sentence(words);
}
