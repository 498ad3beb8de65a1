'use client';

import { useEffect } from 'react';
import { run } from '../../page/run.js';

export default function Page() {
  useEffect(() => void run(), []);
  return <p>upconv</p>;
}
