// Walks through the pages in headless Chromium as a person would, and judges each page that it looks at.
//
// node walk.mjs MODULES CHROMIUM PICTURES: reads one JSON object a line from stdin, and answers each with one on stdout:
//   { "do": "enter", "url", "script" }      a browser of its own, without cookies
//   { "do": "open", "path" }                  goes to an address
//   { "do": "fill", "label", "value" }        writes into the field, or chooses, or ticks, what has that label
//   { "do": "press", "name" }                 presses the button or link of that name, and waits for the page after it
//   { "do": "push", "name" }                  presses a button after which the page stays
//   { "do": "zone", "zone" }                    where the person is
//   { "do": "clipboard" }                     what was copied
//   { "do": "picture", "name", "height" }       the top of the page, for the documents
//   { "do": "unfold", "name" }                opens or closes what is folded under that name
//   { "do": "key", "key", "loads" }           presses a key, perhaps one after which another page comes
//   { "do": "type", "text" }                  writes where the focus is
//   { "do": "see", "text" }                   waits until it can be read
//   { "do": "at", "path" }                    waits until the page is at that address
//   { "do": "read" }                          what can be read, and what has the focus
//   { "do": "look", "name" }                  pictures in light, dark and narrow, each judged by axe
//   { "do": "troubles" }                      all that was wrong on the way
// Nothing is awaited by sleeping for a time: everything is asked for until it is so.
import { createRequire } from 'node:module';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const [modules, chromium, pictures] = process.argv.slice(2);
const require = createRequire(join(modules, 'package.json'));
const puppeteer = require('puppeteer-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
mkdirSync(pictures, { recursive: true });

/** How long something may take to come about, on a machine that has much else to do. */
const PATIENCE = 90_000;
/** No page may be larger. */
const LARGEST = 100_000;
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

const browser = await puppeteer.launch({
  executablePath: chromium,
  pipe: true,
  timeout: PATIENCE,
  protocolTimeout: PATIENCE,
  // Chromium's own sandbox needs a user of its own, which a test run as root has not. No name is looked up anywhere.
  args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1'],
});
let context, page, origin;
const width = 1280;
const troubles = [];

async function enter({ url, script = true }) {
  await context?.close();
  origin = url;
  context = await browser.createBrowserContext();
  // What a person may do without being asked, headless Chromium asks for.
  await context.overridePermissions(url, ['clipboard-read', 'clipboard-sanitized-write']);
  page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  await page.setJavaScriptEnabled(script);
  await page.setViewport({ width, height: 800 });
  page.on('console', (said) => said.type() === 'error' && troubles.push(`console at ${page.url()}: ${said.text()}`));
  page.on('pageerror', (error) => troubles.push(`script at ${page.url()}: ${error.message}`));
  page.on('request', (request) => {
    if (!request.url().startsWith(`${origin}/`)) troubles.push(`asked elsewhere: ${request.url()}`);
  });
  page.on('response', (response) => {
    if (response.status() >= 500) troubles.push(`${response.status()} from ${response.url()}`);
    const kind = response.headers()['content-type'] ?? '';
    if (response.status() !== 200 || !kind.startsWith('text/html')) return;
    // A page that was left before it was read is judged when it is looked at.
    response.buffer().then(
      (body) => body.length > LARGEST && troubles.push(`${response.url()} has ${body.length} bytes`),
      () => {},
    );
  });
}

async function until(what, look) {
  const end = Date.now() + PATIENCE;
  let last;
  for (;;) {
    try {
      const found = await look();
      if (found) return found;
      last = undefined;
    } catch (error) {
      // While a page goes and the next comes there is nothing to look at.
      last = error;
    }
    if (Date.now() > end) throw new Error(`it never came about that ${what}${last ? ` (${last.message})` : ''}; at ${page.url()}:\n${await words()}`);
    await new Promise((next) => setTimeout(next, 30));
  }
}

const words = () => page.evaluate('document.body.innerText').catch(() => '(no page)');
const loaded = () => page.evaluate('document.readyState === "complete" && performance.timeOrigin');

/** Does something after which another page comes, and waits for that page. */
async function leaving(doing) {
  const before = await until('the page is there', loaded);
  await doing();
  await until('the next page comes', async () => {
    const now = await loaded();
    return now && now !== before;
  });
}

async function named(selectors, what) {
  return until(`there is ${what}`, async () => {
    for (const selector of selectors) {
      for (const found of await page.$$(selector)) {
        if (await found.isVisible()) return found;
      }
    }
  });
}

const deeds = {
  enter,
  open: async ({ path }) => {
    await page.goto(origin + path, { waitUntil: 'load' });
  },
  fill: async ({ label, value }) => {
    const field = await named([`::-p-aria([name="${label}"][role="textbox"])`, `::-p-aria([name="${label}"][role="searchbox"])`, `::-p-aria([name="${label}"][role="combobox"])`, `::-p-aria([name="${label}"][role="checkbox"])`, `::-p-aria(${label})`], `a field \`${label}\``);
    const kind = await field.evaluate((one) => one.type);
    if (kind === 'checkbox') return field.click();
    if (kind === 'select-one') {
      const chosen = await field.evaluate((one, text) => [...one.options].find((option) => option.text.trim() === text)?.value, value);
      if (chosen === undefined) throw new Error(`\`${label}\` offers no \`${value}\``);
      return field.select(chosen);
    }
    await field.focus();
    await field.evaluate((one) => one.select());
    await page.keyboard.type(value);
  },
  press: async ({ name }) => {
    await leaving(async () => {
      const found = await named([`::-p-aria([name="${name}"][role="button"])`, `::-p-aria([name="${name}"][role="link"])`], `a button or link \`${name}\``);
      await found.click();
    });
  },
  push: async ({ name }) => {
    await until('the page is there', loaded);
    const found = await named([`::-p-aria([name="${name}"][role="button"])`], `a button \`${name}\``);
    await found.click();
  },
  zone: async ({ zone }) => {
    await page.emulateTimezone(zone);
  },
  clipboard: async () => ({ text: await page.evaluate('navigator.clipboard.readText()') }),
  picture: async ({ name, height }) => {
    await until('the page is there', loaded);
    await page.setViewport({ width, height });
    for (const value of ['dark', 'light']) {
      await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value }]);
      await page.screenshot({ path: join(pictures, `${name}${value === 'dark' ? '-dark' : ''}.png`) });
    }
    await page.setViewport({ width, height: 800 });
  },
  unfold: async ({ name }) => {
    const found = await named([`::-p-xpath(//summary[contains(normalize-space(.), "${name}")])`], `a summary \`${name}\``);
    await found.click();
  },
  key: async ({ key, loads = false }) => {
    const doing = async () => {
      if (key.includes('+')) {
        const [held, pressed] = key.split('+');
        await page.keyboard.down(held);
        await page.keyboard.press(pressed);
        await page.keyboard.up(held);
      } else await page.keyboard.press(key);
    };
    await (loads ? leaving(doing) : doing());
  },
  type: async ({ text }) => {
    await page.keyboard.type(text);
  },
  see: async ({ text }) => {
    await until(`\`${text}\` can be read`, async () => (await page.evaluate('document.body.innerText')).includes(text));
  },
  at: async ({ path }) => {
    await until(`the page is at ${path}`, async () => (await page.evaluate('location.pathname + location.search')) === path);
  },
  read: async () => {
    await until('the page is there', loaded);
    return {
      text: await page.evaluate('document.body.innerText'),
      html: await page.content(),
      focused: await page.evaluate(`(() => {
        const at = document.activeElement;
        const name = at.getAttribute('aria-label') || at.labels?.[0]?.innerText || at.innerText || at.value || '';
        return at === document.body ? '' : name.trim();
      })()`),
      ring: await page.evaluate(`getComputedStyle(document.activeElement).outlineStyle !== 'none'`),
    };
  },
  look: async ({ name }) => {
    await until('the page is there', loaded);
    const scheme = (value) => page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value }]);
    for (const [how, wide, colours] of [['light', width, 'light'], ['dark', width, 'dark'], ['narrow', 360, 'light'], ['narrow-dark', 360, 'dark']]) {
      await scheme(colours);
      await page.setViewport({ width: wide, height: 800 });
      await page.screenshot({ path: join(pictures, `${name}-${how}.png`), fullPage: true });
      const sideways = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
      if (sideways > 0) troubles.push(`${name}, ${how}: ${sideways} pixels too wide`);
      if (how !== 'narrow-dark') await judge(`${name}, ${how}`);
    }
    await scheme('light');
    await page.setViewport({ width, height: 800 });
  },
  troubles: async () => ({ troubles }),
};

/** Has axe say what somebody could not read, reach or understand on this page. */
async function judge(where) {
  const found = await until('axe judges', async () => {
    await page.evaluate(`window.axe || (() => { ${axe} })()`);
    return page.evaluate(async (values) => {
      const { violations } = await window.axe.run(document, { runOnly: { type: 'tag', values }, resultTypes: ['violations'] });
      return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((one) => `${one.html} ${one.any.map((any) => any.message).join('; ')}`).slice(0, 3).join(' | ')}`);
    }, RULES);
  });
  for (const one of found) troubles.push(`${where} (${new URL(page.url()).pathname}): ${one}`);
}

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  let answer;
  try {
    answer = { ok: (await deeds[asked.do](asked)) ?? {} };
  } catch (error) {
    answer = { error: `${line}: ${error.message}` };
    await page?.screenshot({ path: join(pictures, 'trouble.png'), fullPage: true }).catch(() => {});
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
