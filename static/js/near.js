// <a href="/venues/" data-near data-near-failed="Your phone did not say where you are" hidden>Nearest first</a>
// Opens the link with ?near=<latitude>,<longitude> (WGS-84, about 100 m). Shown only where the browser can tell.
import { toast } from './toast.js';
import { word } from './words.js';

function open(link, { coords }) {
  const url = new URL(link.href);
  url.searchParams.set('near', `${coords.latitude.toFixed(3)},${coords.longitude.toFixed(3)}`);
  location.assign(url);
}

export default (root) => {
  if (!navigator.geolocation || !window.isSecureContext) return;
  root.querySelectorAll('[data-near]').forEach((link) => {
    link.hidden = false;
    link.addEventListener('click', (event) => {
      event.preventDefault();
      link.setAttribute('aria-busy', 'true');
      navigator.geolocation.getCurrentPosition(
        (place) => open(link, place),
        () => { link.removeAttribute('aria-busy'); toast(word(link, 'nearFailed')); },
        { timeout: 8000, maximumAge: 300000 },
      );
    });
  });
};
