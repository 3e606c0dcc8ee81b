export const en = {
  lead: 'Mount this drive, or sync it, with the programs you have. Each gets a password of its own.',
  addressTitle: 'What every program asks for',
  address: 'Address',
  otherAddress: 'The same drive, by another address',
  driveId: 'Drive ID',
  user: 'User name',
  theAddress: 'the address',
  theId: 'the drive ID',
  theUser: 'the user name',
  theStep: 'this',
  programs: 'Programs',
  device: (program: string) => `${program} on this device`,
  makePassword: 'Make an app password for this device',
  makePasswordText: 'Programs sign in with it instead of your account password. You can revoke it at any time.',
  otherLimits: 'With limits: one folder, read only, an end',
  signIn: 'Sign in with your user name and an app password.',
  goodToKnow: 'Good to know',
  windows: {
    map: 'In Explorer: This PC → Map network drive. Tick “Connect using different credentials”, and enter this address.',
    command: 'Or in a command prompt, which asks for the password:',
    note: 'Windows takes files up to 50 MB until its limit is raised: “firn connect … windows” gives a registry file that allows 4 GB.',
    plain:
      'Windows sends passwords over https only. This address has none: fine for a try on this machine with BasicAuthLevel 2, never over a network.',
  },
  macos: {
    connect: 'In Finder: Go → Connect to Server (⌘K), and enter this address.',
    note: 'Finder does not send modification times. For photos and archives rclone keeps them.',
  },
  gnome: {
    connect: 'In Files: Other Locations → Connect to Server, and enter this address.',
    note: 'Older versions don’t keep modification times.',
  },
  kde: {
    connect: 'In Dolphin: click into the address bar, and enter this address. Or: Network → Add Network Folder.',
    note: 'Modification times aren’t kept.',
  },
  rclone: {
    config: 'Make a remote:',
    password:
      'Give it the app password. Your shell keeps this line in its history: put a blank before it, and the secret after it.',
    list: 'See what is there:',
    note: 'The vendor “owncloud” keeps times, and checks what it uploads by hash. Sync a folder, not the root: that one holds the trash, too.',
  },
  joplin: {
    folder: 'Make a folder “joplin” under Files first.',
    target: 'In Joplin: Settings → Synchronisation → WebDAV, with this URL.',
    note: 'An app password with the limit /joplin opens that folder alone. The URL is then the drive’s address, without /joplin.',
  },
  nextcloud: {
    server: 'In the Nextcloud or ownCloud program or app: enter this as the server’s address.',
    allow: 'A page opens: sign in there and allow the access. The program gets an app password by itself.',
    note: 'It shows the drive’s own folder, without the trash beside it.',
  },
  synology: {
    task: 'In Cloud Sync: add → WebDAV, with this server address.',
    folder: 'Choose a folder of the drive as remote path, not the root.',
  },
  qnap: {
    account: 'In HBS 3: Storage Spaces → create → WebDAV, with this server address.',
    job: 'Make a backup or sync job to a folder of the drive, not to its root.',
  },
  nasNote:
    'Not tried on a device yet; what is known of its requests works. A folder by itself keeps the trash out of your backups.',
  cyberduck: {
    connection: (isSecure: boolean): string =>
      isSecure
        ? 'Open Connection → WebDAV (HTTPS), with this server.'
        : 'Open Connection → WebDAV (HTTP), with this server.',
    rest: (port: string, path: string) => `Port ${port}; the path ${path === '' ? 'stays empty' : path}.`,
    note: 'Interrupted uploads begin again. Mountain Duck takes the same.',
  },
  raidrive: {
    add: 'Add → NAS → WebDAV, with this address.',
    rest: (port: string, path: string) => `Port ${port}, path ${path}`,
    note: 'Not tried yet; nothing is known against it.',
  },
};
