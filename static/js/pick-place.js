// <div data-pick="#id_place" data-pick-datum="#id_datum" data-pick-boundaries="/regions/boundaries.geojson" … hidden>
//   <div data-pick-map></div> <button data-pick-here hidden>…</button> </div>
// A tap on the map, the arrow keys on its pin, or the phone's place fill the field with "latitude,longitude" (WGS-84).
// The field stays the truth: what is typed there moves the pin. Leaflet is a plain script loaded before this one.
import { toast } from './toast.js';
import { word } from './words.js';

const { L } = window;
const STEP = { ArrowUp: [0, -8], ArrowDown: [0, 8], ArrowLeft: [-8, 0], ArrowRight: [8, 0] };
const CITY = [35.4, 116.6];

function read(field) {
  const found = field.value.trim().match(/^(-?\d{1,2}(?:\.\d+)?)\s*,\s*(-?\d{1,3}(?:\.\d+)?)$/);
  return found ? L.latLng(Number(found[1]), Number(found[2])) : null;
}

function start(box) {
  const field = document.querySelector(box.dataset.pick);
  const datum = document.querySelector(box.dataset.pickDatum);
  if (!field) return;
  box.hidden = false;
  const map = L.map(box.querySelector('[data-pick-map]'), {
    zoomControl: false, attributionControl: Boolean(box.dataset.pickTiles), minZoom: 7, maxZoom: 18,
  });
  L.control.zoom({ position: 'bottomright', zoomInTitle: word(box, 'pickIn'), zoomOutTitle: word(box, 'pickOut') }).addTo(map);
  if (box.dataset.pickTiles) L.tileLayer(box.dataset.pickTiles).addTo(map);
  const known = read(field);
  map.setView(known || CITY, known ? 14 : 9);

  let pin = null;
  const put = (where) => {
    if (pin) { pin.setLatLng(where); return; }
    const icon = L.divIcon({ className: 'map__pin', iconSize: [28, 28], iconAnchor: [14, 28] });
    pin = L.marker(where, { icon, title: word(box, 'pickPin'), alt: word(box, 'pickPin'), draggable: true, keyboard: true }).addTo(map);
    pin.on('dragend', store);
    pin.getElement().addEventListener('keydown', (event) => {
      const step = STEP[event.key];
      if (!step) return;
      event.preventDefault();
      event.stopPropagation();
      const pixel = map.latLngToContainerPoint(pin.getLatLng()).add(step);
      pin.setLatLng(map.containerPointToLatLng(pixel));
      store();
    });
  };
  function store() {
    const { lat, lng } = pin.getLatLng().wrap();
    field.value = `${lat.toFixed(6)},${lng.toFixed(6)}`;
    if (datum) datum.value = 'wgs84';
  }

  if (known) put(known);
  map.on('click', ({ latlng }) => { put(latlng); store(); });
  field.addEventListener('change', () => {
    const typed = read(field);
    if (typed) { put(typed); map.setView(typed, 14); }
  });
  fetch(box.dataset.pickBoundaries, { headers: { Accept: 'application/geo+json' } })
    .then((answer) => answer.json())
    .then((districts) => {
      const layer = L.geoJSON(districts, { style: { className: 'map__district', weight: 1.5, interactive: false } }).addTo(map);
      layer.bringToBack();
      if (!pin && layer.getBounds().isValid()) map.fitBounds(layer.getBounds());
    })
    .catch(() => {}); // Without its ground the map is plain; the pin can be put all the same.

  const here = box.querySelector('[data-pick-here]');
  if (here && navigator.geolocation && window.isSecureContext) {
    here.hidden = false;
    here.addEventListener('click', () => {
      here.setAttribute('aria-busy', 'true');
      navigator.geolocation.getCurrentPosition(
        ({ coords }) => {
          here.removeAttribute('aria-busy');
          const where = L.latLng(coords.latitude, coords.longitude);
          put(where);
          store();
          map.setView(where, 16);
        },
        () => { here.removeAttribute('aria-busy'); toast(word(box, 'pickNowhere')); },
        { enableHighAccuracy: true, timeout: 10000, maximumAge: 60000 },
      );
    });
  }
}

if (L) document.querySelectorAll('[data-pick]').forEach(start);
