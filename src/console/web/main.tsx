import './ui/tokens.css';
import './ui/base.css';
import './ui/controls.css';
import './ui/surfaces.css';
import './ui/shell.css';
import './ui/pages.css';
import { render } from 'preact';
import { App } from './app.js';
import { startRouter } from './router.js';
import { followSession, refreshSession, SIGNED_OUT, session } from './session.js';
import { applyTheme } from './theme.js';

applyTheme();
startRouter();
followSession();
render(<App />, document.getElementById('firn')!);
refreshSession().catch(() => session.set(SIGNED_OUT));
