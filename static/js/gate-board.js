// What the gate without network shows: an answer to a pass, and how the device itself is.
import { clock, device, gate, now, page } from './gate-link.js';
import * as keep from './gate-store.js';
import { word } from './words.js';

const SKEW = 30000;

export const part = (name) => page.querySelector(`[data-gate-${name}]`);

export function show(kind, title, text = '', question = false) {
  const box = part('answer');
  box.hidden = false;
  box.className = `notice notice--${kind}`;
  box.setAttribute('role', kind === 'danger' ? 'alert' : 'status');
  part('title').textContent = title;
  part('text').textContent = text;
  part('question').hidden = !question;
  if (navigator.vibrate) navigator.vibrate(kind === 'danger' ? [80, 60, 80] : 60);
}

export async function showState() {
  const chip = (name, text, kind = '') => {
    const one = part(name);
    one.textContent = text;
    one.hidden = !text;
    one.className = `badge${kind ? ` badge--${kind}` : ''}`;
  };
  const toSend = await keep.count('queue');
  if (gate.mustSignIn) chip('net', word(page, 'signIn'), 'danger');
  else if (gate.offlineSince) chip('net', word(page, 'offline', { time: clock(gate.offlineSince + gate.offset) }), 'warn');
  else chip('net', word(page, 'online'), 'ok');
  part('register').hidden = Boolean(await device());
  part('sign-in').hidden = !gate.mustSignIn;
  chip('queue', toSend ? word(page, 'toSend', { n: toSend }) : '', 'warn');
  if (!gate.list) chip('list', word(page, 'noList'), 'danger');
  else if (now() > gate.list.valid_until) chip('list', word(page, 'listOver'), 'danger');
  else chip('list', word(page, 'listGood', { n: gate.list.passes.length, time: clock(gate.list.valid_until) }), 'ok');
  part('skew').hidden = Math.abs(gate.offset) <= SKEW;
  part('skew').textContent = word(page, 'skew', { n: Math.round(Math.abs(gate.offset) / 1000) });
  const conflicts = await keep.all('conflicts');
  part('conflicts').hidden = !conflicts.length;
  part('conflict-list').replaceChildren(...conflicts.map((one) => {
    const row = document.createElement('li');
    row.className = 'list__item';
    row.textContent = `${clock(one.at)} · ${one.name || one.code} · ${word(page, `outcome${one.outcome}`)}`;
    return row;
  }));
}

// Nobody is refused yet: the code stays in the field, and its digits are typed after it.
export function askForDigits(text, why) {
  const { code } = part('form').elements;
  show('warn', word(page, 'unfinished'), why);
  if (!code.value) code.value = `${text} `;
}
