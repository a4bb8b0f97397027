// Two tones for yes and no, so that a clerk need not look.
let sound;

export function beep(kind) {
  if (!window.AudioContext) return;
  sound = sound || new AudioContext();
  // yes: two tones that rise; no: one low and long.
  const tones = kind === 'yes' ? [[660, 0, 0.12], [990, 0.13, 0.2]] : [[180, 0, 0.45]];
  tones.forEach(([pitch, at, long]) => {
    const tone = sound.createOscillator();
    const volume = sound.createGain();
    tone.frequency.value = pitch;
    tone.type = kind === 'yes' ? 'sine' : 'square';
    volume.gain.setValueAtTime(0.25, sound.currentTime + at);
    volume.gain.exponentialRampToValueAtTime(0.001, sound.currentTime + at + long);
    tone.connect(volume).connect(sound.destination);
    tone.start(sound.currentTime + at);
    tone.stop(sound.currentTime + at + long);
  });
}
