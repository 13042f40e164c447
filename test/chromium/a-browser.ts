// A real Chromium without a window, and pages in it that complain aloud.
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

// As Debian installs it; downloads nothing.
const program = process.env.CHROMIUM ?? '/usr/bin/chromium'

export interface RunningBrowser {
  /** A page of its own at that address. Everything that goes wrong in it is in `complaints`. */
  open(address: string, options?: BrowserContextOptions): Promise<OpenPage>
  close(): Promise<void>
}

export interface OpenPage {
  page: Page
  complaints: string[]
}

export async function aBrowser(): Promise<RunningBrowser> {
  // Its sandbox needs a user that is not root, and the tests of a container are.
  const browser: Browser = await chromium.launch({ executablePath: program, args: ['--no-sandbox', '--disable-gpu'] })
  return {
    async open(address, options = {}) {
      const context = await browser.newContext({ viewport: { width: 1440, height: 860 }, ...options })
      const page = await context.newPage()
      page.setDefaultTimeout(15_000)
      const complaints: string[] = []
      page.on('pageerror', (error) => complaints.push(String(error.stack)))
      page.on('console', (message) => {
        if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
      })
      await page.goto(address)
      return { page, complaints }
    },
    close: () => browser.close(),
  }
}
