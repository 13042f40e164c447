// The contract as one page that needs nothing: opened from a file, it asks nobody for anything.

export interface PageParts {
  asyncApi: object
  /** The renderer, AsyncAPI's React component as one script, and its style. */
  script: string
  style: string
}

export function page({ asyncApi, script, style }: PageParts): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data:; font-src data:">
<title>tollgate-fleet: the wire contract</title>
<!-- The renderer is @asyncapi/react-component, Apache-2.0, https://github.com/asyncapi/asyncapi-react -->
<style>${style.replaceAll('</style', '<\\/style')}</style>
</head>
<body>
<div id="contract"></div>
<script>${inScript(script)}</script>
<script>
AsyncApiStandalone.render(
  { schema: ${inScript(JSON.stringify(asyncApi))}, config: { show: { sidebar: true, errors: false } } },
  document.getElementById('contract'),
)
</script>
</body>
</html>
`
}

function inScript(text: string): string {
  return text.replaceAll('</script', '<\\/script').replaceAll('<!--', '<\\!--')
}
