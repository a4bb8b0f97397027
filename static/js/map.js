// <div class="map__canvas" data-map data-map-points="/venues/points.geojson" data-map-boundaries="/regions/boundaries.geojson"
//      data-map-tiles="https://…/{z}/{x}/{y}.png" data-map-centre="35.4,116.6" data-map-zoom="9" …words>
// The list beside it says the same. Districts are the ground (tiles are optional, for closed networks); the server groups
// the points for the viewport: GET points?bbox=west,south,east,north&zoom=z plus the page's own filters answers a
// FeatureCollection of points with {count} for a group, or {name, url, text, badge} for one venue; both may say how
// many courts are `free`. An element [data-map-list="/venues/nearby/"] is filled with the venues that the map shows.
// Leaflet itself is a plain script loaded before this one (components/map_head.html).
import settleLabels from './map-labels.js';
import { toast } from './toast.js';
import { word } from './words.js';

const { L } = window;

function element(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

function popup({ name, url, text, badge }) {
  const box = element('div', 'map__popup', '');
  const link = element('a', 'strong', name);
  link.href = url;
  box.append(link);
  if (text) box.append(element('p', 'small muted', text));
  if (badge) box.append(element('span', 'badge', badge));
  return box;
}

function group(map, place, { count, badge, free }, box) {
  const icon = L.divIcon({ className: 'map__group', html: element('b', '', free ?? count), iconSize: [44, 44] });
  const title = [word(box, 'mapGroup', { n: count }), badge].filter(Boolean).join(' · ');
  return L.marker(place, { icon, title })
    .on('click', () => map.setView(place, map.getZoom() + 2));
}

function single(place, properties) {
  const { name, badge, free } = properties;
  const known = free !== undefined;
  const icon = L.divIcon({
    className: known ? 'map__pin map__pin--free' : 'map__pin', html: known ? element('b', '', free) : '',
    iconSize: [28, 28], iconAnchor: [14, 28], popupAnchor: [0, -26],
  });
  return L.marker(place, { icon, title: [name, badge].filter(Boolean).join(' · ') }).bindPopup(() => popup(properties));
}

async function json(url, signal) {
  const answer = await fetch(url, { signal, headers: { Accept: 'application/geo+json' } });
  if (!answer.ok) throw new Error(answer.status);
  return answer.json();
}

function boundaries(map, box, known) {
  const style = { className: 'map__district', weight: 1.5, interactive: false };
  json(box.dataset.mapBoundaries).then((districts) => {
    const layer = L.geoJSON(districts, { style }).addTo(map);
    layer.bringToBack();
    if (!known && layer.getBounds().isValid()) map.fitBounds(layer.getBounds());
    layer.eachLayer((shape) => {
      const label = element('span', '', shape.feature.properties.name);
      L.marker(shape.getBounds().getCenter(), {
        interactive: false, keyboard: false, icon: L.divIcon({ className: 'map__label', html: label, iconSize: null }),
      }).addTo(map);
    });
    settleLabels(map);
  }).catch(() => {});
}

async function showList(list, query, signal) {
  const url = new URL(list.dataset.mapList, location.href);
  url.search = query;
  const answer = await fetch(url, { signal });
  // Whoever is reading the list with the keyboard is not thrown out of it.
  if (answer.ok && !list.contains(document.activeElement)) list.innerHTML = await answer.text();
}

function bindPoints(map, box) {
  const list = document.querySelector('[data-map-list]');
  const layer = L.layerGroup().addTo(map);
  let running;
  const load = async () => {
    if (running) running.abort();
    running = new AbortController();
    const url = new URL(box.dataset.mapPoints, location.href);
    new URLSearchParams(location.search).forEach((value, name) => url.searchParams.append(name, value));
    url.searchParams.set('bbox', map.getBounds().toBBoxString());
    url.searchParams.set('zoom', map.getZoom());
    try {
      const { features } = await json(url, running.signal);
      layer.clearLayers();
      for (const { geometry, properties } of features) {
        const place = [geometry.coordinates[1], geometry.coordinates[0]];
        layer.addLayer(properties.count > 1 ? group(map, place, properties, box) : single(place, properties));
      }
      settleLabels(map);
      if (list) await showList(list, url.search, running.signal);
    } catch (error) {
      if (error.name !== 'AbortError') toast(word(box, 'mapFailed'));
    }
  };
  map.on('moveend', load);
  load();
}

function bindPlace(map, box, button) {
  if (!button || !navigator.geolocation || !window.isSecureContext) return;
  button.hidden = false;
  button.addEventListener('click', () => map.locate({ setView: true, maxZoom: 14, timeout: 8000 }));
  map.on('locationfound', ({ latlng }) => L.circleMarker(latlng, { className: 'map__here', radius: 9 }).addTo(map));
  map.on('locationerror', () => toast(word(box, 'mapNowhere')));
}

function start(box) {
  const centre = (box.dataset.mapCentre || '35.4,116.6').split(',').map(Number);
  const zoom = Number(box.dataset.mapZoom);
  const map = L.map(box, { zoomControl: false, attributionControl: Boolean(box.dataset.mapTiles), minZoom: 7, maxZoom: 18 });
  L.control.zoom({ position: 'bottomright', zoomInTitle: word(box, 'mapIn'), zoomOutTitle: word(box, 'mapOut') }).addTo(map);
  map.setView(centre, zoom || 9);
  if (box.dataset.mapTiles) L.tileLayer(box.dataset.mapTiles, { attribution: box.dataset.mapCredit }).addTo(map);
  if (box.dataset.mapBoundaries) boundaries(map, box, zoom);
  if (box.dataset.mapPoints) bindPoints(map, box);
  else single(centre, { name: box.dataset.mapName || '', url: '#' }).unbindPopup().addTo(map);
  bindPlace(map, box, document.querySelector('[data-map-here]'));
}

if (L) document.querySelectorAll('[data-map]').forEach(start);
