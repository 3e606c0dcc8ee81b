import { Command } from 'commander';
import { OPERATOR } from '../accounts/audit.js';
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
      atWork(async (parts) => {
        const { accounts, config } = parts;
        if ((email === undefined) === !options.all) throw new CommandError('Give an e-mail address, or --all.');
        const alerts = parts.makeAlerts(({ reason }) => remark(`A mail could not be sent: ${reason}`));
        const address = config.publicUrl?.replace(/\/$/, '') ?? null;
        const report =
          email === undefined
            ? await alerts.alertAll(OPERATOR, address)
            : await alerts.alertOne(await accounts.readUser(email), OPERATOR, address);
        const mails = alerts.hasMailer ? `mails that went out: ${report.mailed}` : 'no mail server is set (smtpUrl)';
        remark(`Users who see it at their next sign-in: ${report.alerted}; ${mails}.`);
        print(options, report, '');
      }),
    );
}
