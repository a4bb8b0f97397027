// What the gate without network knows (`gate`), what it asks the portal, and what it tells it later.
import { readList } from './gate-proof.js';
import * as keep from './gate-store.js';

export const page = document.querySelector('[data-gate-offline]');
const PATIENCE = 4000; // milliseconds that somebody at the gate waits for the network

export const gate = {
  csrf: '',
  list: null,
  offset: 0, // what the portal's clock is ahead of ours
  offlineSince: 0,
  mustSignIn: false,
};

export const now = () => Date.now() + gate.offset;
export const clock = (moment) => new Date(moment).toLocaleTimeString('zh-CN', { hour: '2-digit', minute: '2-digit', timeZone: 'Asia/Shanghai' });
export const device = () => keep.get('kept', 'device');

export async function ask(path, body) {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), PATIENCE);
  try {
    const answer = await fetch(path, {
      method: body ? 'POST' : 'GET',
      body: body && JSON.stringify(body),
      headers: body ? { 'Content-Type': 'application/json', 'X-CSRFToken': gate.csrf } : {},
      credentials: 'same-origin',
      cache: 'no-store',
      redirect: 'manual',
      signal: patience.signal,
    });
    gate.mustSignIn = answer.type === 'opaqueredirect';
    if (gate.mustSignIn || answer.status >= 500) return null;
    const said = await answer.json().catch(() => null);
    gate.offlineSince = 0;
    return { ...said, status: answer.status };
  } catch (silence) {
    gate.offlineSince = gate.offlineSince || Date.now();
    return null;
  } finally {
    clearTimeout(timer);
  }
}

export async function load() {
  gate.offset = (await keep.get('kept', 'offset')) || 0;
  const signed = await keep.get('kept', 'list');
  gate.list = signed ? await readList(JSON.parse(page.dataset.key), signed).catch(() => null) : null;
  if (gate.list && gate.list.venue !== page.dataset.venue) gate.list = null;
}

export async function refresh() {
  const id = await device();
  if (!id) return;
  const before = Date.now();
  const said = await ask(`${page.dataset.base}${id}/list.json`);
  if (!said) return;
  if (said.status === 403 || said.status === 404) {
    // Not ours any more: what the device knows of people goes.
    await keep.remove('kept', 'device');
    await keep.remove('kept', 'list');
    gate.list = null;
    return;
  }
  if (!said.body) return;
  gate.csrf = said.csrf;
  gate.offset = said.now - (before + Date.now()) / 2;
  await keep.put('kept', gate.offset, 'offset');
  const read = await readList(JSON.parse(page.dataset.key), said).catch(() => null);
  if (!read) return;
  gate.list = read;
  await keep.put('kept', { body: said.body, signature: said.signature }, 'list');
  await keep.put('kept', now(), 'seen');
  for (const one of await keep.all('used')) if (now() - one.at > 36 * 3600000) await keep.remove('used', one.code);
}

export async function sync() {
  const queue = await keep.all('queue');
  const id = await device();
  if (!queue.length || !id || !gate.csrf) return;
  const said = await ask(`${page.dataset.base}${id}/scans/`, { scans: queue.slice(0, 200).map(({ name, ...scan }) => scan), clock: Date.now() });
  if (!said || !said.results) return;
  for (const one of said.results) {
    const scan = queue.find((row) => row.key === one.key);
    if (scan && one.outcome !== 'admitted') await keep.put('conflicts', { ...scan, outcome: one.outcome });
    await keep.remove('queue', one.key);
  }
}
