// A headless Chromium for the interop tests: one JSON command a line on standard input, one JSON answer a line.
//
//   node browser.mjs CHROMIUM PROFILE_DIRECTORY
//
// Everything the page logs as an error, throws or asks of the network is kept and told by `noticed`.

import { createInterface } from 'node:readline'
import puppeteer from 'puppeteer-core'

const [executablePath, userDataDir] = process.argv.slice(2)
const browser = await puppeteer.launch({
  executablePath,
  userDataDir,
  headless: true,
  // As root there is no sandbox; /dev/shm may be small or missing. Nothing of its own goes to the network.
  args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--no-first-run', '--disable-sync',
    '--disable-background-networking', '--disable-component-update', '--disable-default-apps', '--disable-extensions']
})
const page = await browser.newPage()
let errors = []
let requests = []
page.on('console', message => { if (['error', 'warn'].includes(message.type())) errors.push(message.text()) })
page.on('pageerror', error => errors.push(String(error)))
page.on('request', request => requests.push(`${request.method()} ${request.url()}`))

const commands = {
  async open ({ url }) { return { status: (await page.goto(url, { waitUntil: 'load' })).status() } },
  async evaluate ({ script }) { return { value: await page.evaluate(script) } },
  async wait ({ script, ms }) { await page.waitForFunction(script, { timeout: ms ?? 15000, polling: 50 }) },
  async press ({ key }) { await page.keyboard.press(key) },
  async tap ({ selector }) { await page.click(selector) },
  async type ({ selector, text }) { await page.type(selector, text) },
  async size ({ width, height, phone }) {
    await page.setViewport({ width, height, isMobile: phone ?? false, hasTouch: phone ?? false, deviceScaleFactor: 1 })
  },
  async prefer ({ scheme, motion }) {
    await page.emulateMediaFeatures([
      { name: 'prefers-color-scheme', value: scheme ?? 'light' },
      { name: 'prefers-reduced-motion', value: motion ?? 'reduce' }
    ])
  },
  async screenshot ({ path, whole }) { await page.screenshot({ path, fullPage: whole ?? false }) },
  async noticed () {
    const answer = { errors, requests }
    errors = []
    requests = []
    return answer
  },
  async stop () {}
}

console.log(JSON.stringify({ ok: true, version: await browser.version() }))
for await (const line of createInterface({ input: process.stdin })) {
  const { do: name, ...rest } = JSON.parse(line)
  try {
    console.log(JSON.stringify({ ok: true, ...await commands[name](rest) }))
  } catch (error) {
    console.log(JSON.stringify({ ok: false, error: String(error) }))
  }
  if (name === 'stop') break
}
await browser.close()
process.exit(0)
