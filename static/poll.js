// Ask again and again, gently: less often while nobody looks.

/**
 * Call `ask` now, then some time after each answer. A tab that comes back asks at once.
 * @param {() => Promise<void>} ask it handles its own errors
 * @param {number} seconds between an answer and the next question
 * @param {number} hiddenSeconds the same while the tab is hidden
 * @returns {() => void} asks at once
 */
export function poll(ask, seconds, hiddenSeconds) {
  let timer = 0;
  let round = 0;

  const turn = async () => {
    const mine = ++round;
    clearTimeout(timer);
    await ask();
    if (mine !== round) return; // A newer round has set the timer.
    timer = setTimeout(turn, (document.hidden ? hiddenSeconds : seconds) * 1000);
  };

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) turn();
  });
  turn();
  return turn;
}
