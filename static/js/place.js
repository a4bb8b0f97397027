// <form data-place><input type="hidden" data-place-value>…<p data-place-failed="Your phone did not say where it is" role="alert">
// Sends along where the phone is, as coarse as a kilometre, once the person has agreed and presses the button.
import { word } from './words.js';

function bind(form) {
  const value = form.querySelector('[data-place-value]'), failed = form.querySelector('[data-place-failed]');
  form.addEventListener('submit', (event) => {
    if (value.value) return;
    event.preventDefault();
    event.stopPropagation();
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => { value.value = `${coords.latitude.toFixed(2)},${coords.longitude.toFixed(2)}`; form.requestSubmit(); },
      () => { failed.textContent = word(failed, 'placeFailed'); },
      { timeout: 8000, maximumAge: 300000 },
    );
  });
}

if (navigator.geolocation && window.isSecureContext) document.querySelectorAll('[data-place]').forEach(bind);
