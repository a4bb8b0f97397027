{% load static %}// Shows one page of ours where there is no network. Nothing else is kept: prices and places must be true.
const KEPT = 'offline-1';
const PAGE = '{% url "portal:offline" %}';
const PARTS = [PAGE, '{% static "css/site.css" %}', '{% static "icons/sprite.svg" %}', '{% static "icons/mark.svg" %}', '{% static "img/empty-track.svg" %}'];

self.addEventListener('install', (event) => {
  event.waitUntil(caches.open(KEPT).then((kept) => kept.addAll(PARTS)).then(() => self.skipWaiting()));
});

self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));

self.addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.mode === 'navigate') {
    event.respondWith(fetch(request).catch(() => caches.match(PAGE)));
  } else if (PARTS.includes(new URL(request.url).pathname)) {
    event.respondWith(fetch(request).catch(() => caches.match(request)));
  }
});
