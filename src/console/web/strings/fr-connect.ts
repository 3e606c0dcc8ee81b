import type { en } from './en-connect.js';

export const fr: typeof en = {
  lead: 'Montez ce drive, ou synchronisez-le, avec vos programmes. Chacun reçoit son propre mot de passe.',
  addressTitle: 'Ce que chaque programme demande',
  address: 'Adresse',
  otherAddress: 'Le même drive, à une autre adresse',
  driveId: 'ID du drive',
  user: 'Nom d’utilisateur',
  theAddress: 'l’adresse',
  theId: 'l’ID du drive',
  theUser: 'le nom d’utilisateur',
  theStep: 'ceci',
  programs: 'Programmes',
  device: (program) => `${program} sur cet appareil`,
  makePassword: 'Créer un mot de passe d’application pour cet appareil',
  makePasswordText:
    'Les programmes s’en servent à la place du mot de passe de votre compte. Vous pouvez le révoquer à tout moment.',
  otherLimits: 'Avec des limites : un dossier, lecture seule, une échéance',
  signIn: 'Connectez-vous avec votre nom d’utilisateur et un mot de passe d’application.',
  goodToKnow: 'Bon à savoir',
  windows: {
    map: 'Dans l’Explorateur : Ce PC → Connecter un lecteur réseau. Cochez « Se connecter à l’aide d’informations d’identification différentes », et saisissez cette adresse.',
    command: 'Ou dans une invite de commandes, qui demande le mot de passe :',
    note: 'Windows accepte des fichiers jusqu’à 50 Mo tant que sa limite n’est pas relevée : « firn connect … windows » donne un fichier de registre qui permet 4 Go.',
    plain:
      'Windows n’envoie de mots de passe que par https. Cette adresse n’en a pas : bien pour un essai sur cette machine avec BasicAuthLevel 2, jamais par un réseau.',
  },
  macos: {
    connect: 'Dans le Finder : Aller → Se connecter au serveur (⌘K), et saisissez cette adresse.',
    note: 'Le Finder n’envoie pas les dates de modification. Pour les photos et les archives, rclone les conserve.',
  },
  gnome: {
    connect: 'Dans Fichiers : Autres emplacements → Connexion à un serveur, et saisissez cette adresse.',
    note: 'Les anciennes versions ne conservent pas les dates de modification.',
  },
  kde: {
    connect:
      'Dans Dolphin : cliquez dans la barre d’adresse, et saisissez cette adresse. Ou : Réseau → Ajouter un dossier réseau.',
    note: 'Les dates de modification ne sont pas conservées.',
  },
  rclone: {
    config: 'Créez un « remote » :',
    password:
      'Donnez-lui le mot de passe d’application. Votre shell garde cette ligne dans son historique : mettez une espace devant, et le secret à la fin.',
    list: 'Voyez ce qui s’y trouve :',
    note: 'Le « vendor » owncloud conserve les dates, et vérifie ce qu’il envoie par empreinte. Synchronisez un dossier, pas la racine : celle-ci contient aussi la corbeille.',
  },
  joplin: {
    folder: 'Créez d’abord un dossier « joplin » sous Fichiers.',
    target: 'Dans Joplin : Paramètres → Synchronisation → WebDAV, avec cette URL.',
    note: 'Un mot de passe d’application limité à /joplin n’ouvre que ce dossier. L’URL est alors l’adresse du drive, sans /joplin.',
  },
  nextcloud: {
    server: 'Dans le programme ou l’app de Nextcloud ou ownCloud : saisissez ceci comme adresse du serveur.',
    allow:
      'Une page s’ouvre : connectez-vous et autorisez l’accès. Le programme reçoit de lui-même un mot de passe d’application.',
    note: 'Il montre le dossier du drive, sans la corbeille à côté.',
  },
  synology: {
    task: 'Dans Cloud Sync : ajouter → WebDAV, avec cette adresse de serveur.',
    folder: 'Choisissez un dossier du drive comme chemin distant, pas la racine.',
  },
  qnap: {
    account: 'Dans HBS 3 : Espaces de stockage → créer → WebDAV, avec cette adresse de serveur.',
    job: 'Créez une tâche de sauvegarde ou de synchronisation vers un dossier du drive, pas vers sa racine.',
  },
  nasNote:
    'Pas encore essayé sur un appareil ; ce qu’on sait de ses requêtes fonctionne. Un dossier à part garde la corbeille hors de vos sauvegardes.',
  cyberduck: {
    connection: (isSecure) =>
      isSecure
        ? 'Nouvelle connexion → WebDAV (HTTPS), avec ce serveur.'
        : 'Nouvelle connexion → WebDAV (HTTP), avec ce serveur.',
    rest: (port, path) => `Port ${port} ; le chemin ${path === '' ? 'reste vide' : path}.`,
    note: 'Les envois interrompus recommencent. Mountain Duck accepte la même chose.',
  },
  raidrive: {
    add: 'Ajouter → NAS → WebDAV, avec cette adresse.',
    rest: (port, path) => `Port ${port}, chemin ${path}`,
    note: 'Pas encore essayé ; rien n’est connu qui s’y oppose.',
  },
};
