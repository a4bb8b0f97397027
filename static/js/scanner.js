// <form data-scanner data-scanner-decode="/gate/decode/" …words method="post">
//   <video data-scanner-video hidden playsinline muted></video> <button type="button" data-scanner-start hidden>Scan</button>
//   <p data-scanner-hint></p> <input name="code" …></form>
// Reads a QR code into the form's `code` and sends it. Typing, or a scanner that types, always works. A browser that
// cannot decode sends small grey frames, a few a second, to data-scanner-decode, which answers {"text": "…"} or {}.
import { word } from './words.js';

const EVERY = 350;
const WIDE = 480;

async function detector(form) {
  const Detector = window.BarcodeDetector;
  if (Detector && (await Detector.getSupportedFormats().catch(() => [])).includes('qr_code')) {
    const reader = new Detector({ formats: ['qr_code'] });
    return async (video) => (await reader.detect(video)).map((found) => found.rawValue)[0];
  }
  const canvas = document.createElement('canvas');
  const pen = canvas.getContext('2d', { willReadFrequently: true });
  return async (video) => {
    canvas.width = WIDE;
    canvas.height = Math.round((WIDE * video.videoHeight) / video.videoWidth);
    pen.filter = 'grayscale(1)';
    pen.drawImage(video, 0, 0, canvas.width, canvas.height);
    const frame = await new Promise((done) => { canvas.toBlob(done, 'image/jpeg', 0.7); });
    const body = new FormData();
    body.append('frame', frame, 'frame.jpg');
    body.append('csrfmiddlewaretoken', form.elements.csrfmiddlewaretoken.value);
    const answer = await fetch(form.dataset.scannerDecode, { method: 'POST', body, credentials: 'same-origin' });
    return answer.ok ? (await answer.json()).text : '';
  };
}

async function run(form, video, hint, start) {
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment', width: { ideal: 1280 } } });
  } catch (error) {
    hint.textContent = word(form, 'scannerDenied');
    return;
  }
  start.hidden = true;
  video.hidden = false;
  video.srcObject = stream;
  await video.play();
  hint.textContent = word(form, 'scannerLooking');
  sessionStorage.setItem('scanning', '1');
  const read = await detector(form);
  const stop = () => stream.getTracks().forEach((track) => track.stop());
  window.addEventListener('pagehide', stop, { once: true });
  while (stream.active) {
    await new Promise((done) => { setTimeout(done, EVERY); });
    if (document.hidden || !video.videoWidth) continue;
    const text = await read(video).catch(() => '');
    if (!text) continue;
    stop();
    hint.textContent = word(form, 'scannerFound');
    form.elements.code.value = text;
    if (navigator.vibrate) navigator.vibrate(80);
    if (form.requestSubmit) form.requestSubmit(); else form.submit();
    return;
  }
}

export function bind(root) {
  root.querySelectorAll('[data-scanner]').forEach((form) => {
    const start = form.querySelector('[data-scanner-start]');
    const video = form.querySelector('[data-scanner-video]');
    const hint = form.querySelector('[data-scanner-hint]');
    if (!start || !navigator.mediaDevices) return;
    start.hidden = false;
    start.addEventListener('click', () => run(form, video, hint, start));
    // The gate scans one person after the other: after an answer the camera goes on by itself.
    if (sessionStorage.getItem('scanning') && 'scannerAgain' in form.dataset) run(form, video, hint, start);
  });
}

bind(document);
