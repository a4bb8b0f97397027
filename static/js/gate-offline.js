// <div data-gate-offline data-…> is the gate that works without network (templates/venues/gate_offline.html).
// With network each scan goes to the portal. Without, the signed list of this device answers, a pass is remembered here,
// and what was let in is told later. Its words are data- attributes.
import { isLive, parse, readList } from './gate-proof.js';
import * as keep from './gate-store.js';
import { word } from './words.js';

const page = document.querySelector('[data-gate-offline]');
const part = (name) => page.querySelector(`[data-gate-${name}]`);
const form = part('form');
const PATIENCE = 4000; // milliseconds that somebody at the gate waits for the network
const TWICE = 2000; // a hand scanner often reads a code twice
const FRESH = 5 * 60000;
const SKEW = 30000;
const BACK = 60000;

let csrf = '';
let list = null;
let offset = 0; // what the portal's clock is ahead of ours
let offlineSince = 0;
let mustSignIn = false;
let last = { text: '', at: 0 };
let waiting = null; // a paper pass whose name is being compared

const now = () => Date.now() + offset;
const clock = (moment) => new Date(moment).toLocaleTimeString('zh-CN', { hour: '2-digit', minute: '2-digit', timeZone: 'Asia/Shanghai' });
const device = () => keep.get('kept', 'device');

async function ask(path, body) {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), PATIENCE);
  try {
    const answer = await fetch(path, {
      method: body ? 'POST' : 'GET',
      body: body && JSON.stringify(body),
      headers: body ? { 'Content-Type': 'application/json', 'X-CSRFToken': csrf } : {},
      credentials: 'same-origin',
      cache: 'no-store',
      redirect: 'manual',
      signal: patience.signal,
    });
    mustSignIn = answer.type === 'opaqueredirect';
    if (mustSignIn || answer.status >= 500) return null;
    const said = await answer.json().catch(() => null);
    offlineSince = 0;
    return { ...said, status: answer.status };
  } catch (silence) {
    offlineSince = offlineSince || Date.now();
    return null;
  } finally {
    clearTimeout(timer);
  }
}

// --- What is shown -------------------------------------------------------------------------------------------------

function show(kind, title, text = '', question = false) {
  const box = part('answer');
  box.hidden = false;
  box.className = `notice notice--${kind}`;
  box.setAttribute('role', kind === 'danger' ? 'alert' : 'status');
  part('title').textContent = title;
  part('text').textContent = text;
  part('question').hidden = !question;
  if (navigator.vibrate) navigator.vibrate(kind === 'danger' ? [80, 60, 80] : 60);
}

async function showState() {
  const chip = (name, text, kind = '') => {
    const one = part(name);
    one.textContent = text;
    one.hidden = !text;
    one.className = `badge${kind ? ` badge--${kind}` : ''}`;
  };
  const toSend = await keep.count('queue');
  if (mustSignIn) chip('net', word(page, 'signIn'), 'danger');
  else if (offlineSince) chip('net', word(page, 'offline', { time: clock(offlineSince + offset) }), 'warn');
  else chip('net', word(page, 'online'), 'ok');
  part('sign-in').hidden = !mustSignIn;
  chip('queue', toSend ? word(page, 'toSend', { n: toSend }) : '', 'warn');
  if (!list) chip('list', word(page, 'noList'), 'danger');
  else if (now() > list.valid_until) chip('list', word(page, 'listOver'), 'danger');
  else chip('list', word(page, 'listGood', { n: list.passes.length, time: clock(list.valid_until) }), 'ok');
  part('skew').hidden = Math.abs(offset) <= SKEW;
  part('skew').textContent = word(page, 'skew', { n: Math.round(Math.abs(offset) / 1000) });
  const conflicts = await keep.all('conflicts');
  part('conflicts').hidden = !conflicts.length;
  part('conflict-list').replaceChildren(...conflicts.map((one) => {
    const row = document.createElement('li');
    row.className = 'list__item';
    row.textContent = `${clock(one.at)} · ${one.name || one.code} · ${word(page, `outcome${one.outcome}`)}`;
    return row;
  }));
}

// --- The list and what was done with it ----------------------------------------------------------------------------

async function load() {
  offset = (await keep.get('kept', 'offset')) || 0;
  const signed = await keep.get('kept', 'list');
  list = signed ? await readList(JSON.parse(page.dataset.key), signed).catch(() => null) : null;
  if (list && list.venue !== page.dataset.venue) list = null;
}

async function refresh() {
  const id = await device();
  if (!id) return;
  const before = Date.now();
  const said = await ask(`${page.dataset.base}${id}/list.json`);
  if (!said) return;
  if (said.status === 403 || said.status === 404) {
    // Not ours any more: what the device knows of people goes.
    await keep.remove('kept', 'device');
    await keep.remove('kept', 'list');
    list = null;
    part('register').hidden = false;
    return;
  }
  if (!said.body) return;
  csrf = said.csrf;
  offset = said.now - (before + Date.now()) / 2;
  await keep.put('kept', offset, 'offset');
  const read = await readList(JSON.parse(page.dataset.key), said).catch(() => null);
  if (!read) return;
  list = read;
  await keep.put('kept', { body: said.body, signature: said.signature }, 'list');
  await keep.put('kept', now(), 'seen');
  for (const one of await keep.all('used')) if (now() - one.at > 36 * 3600000) await keep.remove('used', one.code);
}

async function sync() {
  const queue = await keep.all('queue');
  const id = await device();
  if (!queue.length || !id || !csrf) return;
  const said = await ask(`${page.dataset.base}${id}/scans/`, { scans: queue.slice(0, 200).map(({ name, ...scan }) => scan), clock: Date.now() });
  if (!said || !said.results) return;
  for (const one of said.results) {
    const scan = queue.find((row) => row.key === one.key);
    if (scan && one.outcome !== 'admitted') await keep.put('conflicts', { ...scan, outcome: one.outcome });
    await keep.remove('queue', one.key);
  }
}

let busy = false;
async function tend() {
  if (busy) return;
  busy = true;
  try {
    if (!csrf || !list || offlineSince || mustSignIn || now() - list.issued_at > FRESH) await refresh();
    await sync();
  } finally {
    busy = false;
    await showState();
  }
}

// --- A pass --------------------------------------------------------------------------------------------------------

async function atThePortal(text, named) {
  const id = await device();
  if (!id || !csrf || !navigator.onLine) return false;
  const said = await ask(`${page.dataset.base}${id}/check/`, { text, named });
  if (!said) return false;
  if (said.paper) { waiting = { text }; show('warn', word(page, 'paper'), `${said.name} · ${said.what}`, true); return true; }
  if (said.name) {
    await keep.useOnce({ code: said.code, at: now() }, null);
    show('ok', word(page, 'letIn', { time: clock(now()) }), `${said.name} · ${said.what}`);
    return true;
  }
  if (!said.message) return false;
  show('danger', word(page, 'no'), said.message);
  return true;
}

async function refusal(scanned, found) {
  const seen = (await keep.get('kept', 'seen')) || 0;
  if (!list) return word(page, 'noList');
  if (now() > list.valid_until) return word(page, 'listOver');
  if (now() < seen - BACK || now() < list.issued_at - BACK) return word(page, 'clockMoved');
  if (!scanned) return word(page, 'unknown');
  if (!found) return word(page, 'notListed', { time: clock(list.issued_at) });
  if (!scanned.proof && !found.paper) return word(page, 'digits');
  if (scanned.proof && !(await isLive(scanned.code, scanned.proof, found.keys, now()))) return word(page, 'stale');
  const before = await keep.get('used', scanned.code);
  if (before) return word(page, 'usedAt', { time: clock(before.at) });
  if (found.used) return word(page, 'used');
  if (now() < found.from) return word(page, 'early', { time: clock(found.from) });
  if (now() >= found.until) return word(page, 'over', { time: clock(found.until) });
  return '';
}

async function atThisDevice(text, named) {
  const scanned = parse(text);
  const found = scanned && list && list.passes.find((one) => one.code === scanned.code);
  const why = await refusal(scanned, found);
  if (why) { show('danger', word(page, 'no'), why); return; }
  const who = `${found.name}${found.persons > 1 ? ` × ${found.persons}` : ''} · ${found.what}`;
  if (!scanned.proof && !named) { waiting = { text }; show('warn', word(page, 'paper'), who, true); return; }
  const at = Math.round(now());
  const scan = { key: crypto.randomUUID(), code: found.code, at, ticket: list.ticket, name: found.name };
  if (!(await keep.useOnce({ code: found.code, at }, scan))) { show('danger', word(page, 'no'), word(page, 'used')); return; }
  await keep.put('kept', at, 'seen');
  show('ok', word(page, 'letIn', { time: clock(at) }), who);
}

async function check(text, named = false) {
  waiting = null;
  if (!(await atThePortal(text, named))) await atThisDevice(text, named);
  await showState();
}

// --- The page ------------------------------------------------------------------------------------------------------

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const text = form.elements.code.value.trim();
  form.elements.code.value = '';
  if (text && !(text === last.text && Date.now() - last.at < TWICE)) {
    last = { text, at: Date.now() };
    await check(text);
  }
  const camera = form.querySelector('[data-scanner-start]');
  if (sessionStorage.getItem('scanning') && camera && camera.hidden && !form.querySelector('video').hidden) setTimeout(() => camera.click(), 1500);
  else if (window.matchMedia('(pointer: fine)').matches) form.elements.code.focus();
});
part('yes').addEventListener('click', () => { if (waiting) check(waiting.text, true); });
part('not').addEventListener('click', () => { waiting = null; part('answer').hidden = true; });
part('clear').addEventListener('click', async () => { await keep.clear('conflicts'); await showState(); });
part('register').addEventListener('submit', async (event) => {
  event.preventDefault();
  const given = event.target.elements;
  csrf = given.csrfmiddlewaretoken.value;
  const said = await ask(page.dataset.base, { name: given.name.value });
  if (!said || !said.device) return;
  await keep.put('kept', said.device, 'device');
  await keep.put('kept', page.dataset.venue, 'venue');
  event.target.hidden = true;
  await refresh();
  await tend();
});
window.addEventListener('online', tend);
window.addEventListener('offline', () => { offlineSince = offlineSince || Date.now(); showState(); });
setInterval(tend, 15000);

async function keepThisPage() {
  if (!navigator.serviceWorker) return;
  await navigator.serviceWorker.register('/gate/sw.js', { scope: '/gate/' });
  const worker = await navigator.serviceWorker.ready;
  const parts = performance.getEntriesByType('resource').map((one) => one.name).filter((name) => new URL(name).pathname.startsWith('/static/'));
  worker.active.postMessage({ keep: [...new Set([...parts, ...document.querySelectorAll('script[src], link[rel=stylesheet]')].map((one) => (typeof one === 'string' ? one : one.src || one.href)))] });
  page.dataset.kept = '1';
}

(async () => {
  if ((await keep.get('kept', 'venue')) !== page.dataset.venue) await keep.remove('kept', 'device');
  part('register').hidden = Boolean(await device());
  await load();
  await tend();
  page.dataset.ready = '1';
  await keepThisPage();
})();
