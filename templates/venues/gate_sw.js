{% load static %}// Keeps the gate's page and its scripts, so that it opens without network. What it knows of passes is in IndexedDB.
const KEPT = 'gate-1';
const PAGE = '{% url "venues:gate-offline" %}';
const PARTS = ['{% static "css/site.css" %}', '{% static "icons/sprite.svg" %}', '{% static "icons/mark.svg" %}', '{% static "js/gate-offline.js" %}', '{% static "js/gate-board.js" %}', '{% static "js/gate-link.js" %}', '{% static "js/gate-proof.js" %}', '{% static "js/gate-store.js" %}', '{% static "js/scanner.js" %}', '{% static "js/words.js" %}'];

async function keepPage(kept) {
  const answer = await fetch(PAGE, { credentials: 'same-origin' });
  if (answer.ok && !answer.redirected) await kept.put(PAGE, answer);
}

self.addEventListener('install', (event) => {
  event.waitUntil(caches.open(KEPT).then((kept) => Promise.all([kept.addAll(PARTS), keepPage(kept)])).then(() => self.skipWaiting()));
});

self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));

self.addEventListener('message', (event) => {
  const parts = (event.data && event.data.keep) || [];
  event.waitUntil(caches.open(KEPT).then((kept) => Promise.allSettled(parts.map((part) => kept.match(part).then((has) => has || kept.add(part))))));
});

async function page(request) {
  const kept = await caches.open(KEPT);
  try {
    const answer = await fetch(request);
    if (answer.ok && !answer.redirected && new URL(request.url).pathname === PAGE) await kept.put(PAGE, answer.clone());
    return answer;
  } catch (offline) {
    return (await kept.match(PAGE)) || Response.error();
  }
}

async function script(request) {
  const kept = await caches.open(KEPT);
  try {
    const answer = await fetch(request);
    if (answer.ok) await kept.put(request, answer.clone());
    return answer;
  } catch (offline) {
    return (await kept.match(request)) || Response.error();
  }
}

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== self.location.origin) return;
  if (request.mode === 'navigate') event.respondWith(page(request));
  else if (url.pathname.startsWith('/static/')) event.respondWith(script(request));
});
