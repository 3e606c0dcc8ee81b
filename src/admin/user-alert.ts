import { Command } from 'commander';
import { Alerts } from '../accounts/alerts.js';
import { OPERATOR } from '../accounts/audit.js';
import { Mailer } from '../accounts/mailer.js';
import type { Config } from '../config.js';
import { CommandError } from './command-error.js';
import { atWork, type OutputOptions, print, remark } from './workplace.js';

export function alertCommand(): Command {
  return new Command('alert')
    .description('ask a user to set up two-factor authentication: at the next sign-in, and by mail with smtpUrl set')
    .argument('[email]')
    .option('--all', 'everyone who can sign in and has none')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  $ firn user alert --all')
    .action((email: string | undefined, options: OutputOptions & { all?: boolean }) =>
      atWork(async ({ accounts, audit, config, engines }) => {
        if ((email === undefined) === !options.all) throw new CommandError('Give an e-mail address, or --all.');
        const mailer = makeMailer(config);
        const alerts = new Alerts(engines.accounts, engines.security, audit, { mailer, realm: config.realm });
        const address = config.publicUrl?.replace(/\/$/, '') ?? null;
        const report =
          email === undefined
            ? await alerts.alertAll(OPERATOR, address)
            : await alerts.alertOne(await accounts.readUser(email), OPERATOR, address);
        const mails = mailer ? `mails that went out: ${report.mailed}` : 'no mail server is set (smtpUrl)';
        remark(`Users who see it at their next sign-in: ${report.alerted}; ${mails}.`);
        print(options, report, '');
      }),
    );
}

function makeMailer({ smtpUrl, mailFrom }: Config): Mailer | null {
  if (smtpUrl === null || mailFrom === null) return null;
  const onFailure = ({ reason }: { readonly reason: string }) => remark(`A mail could not be sent: ${reason}`);
  return new Mailer({ smtpUrl, mailFrom, onFailure });
}
