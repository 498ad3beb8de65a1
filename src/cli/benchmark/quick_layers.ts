/** The layers that stand for all, where there is no time for all. */

/** One layer of each kind: strides and kernels, few channels and many, depthwise, 1-D and 3-D. */
export const QUICK_LAYERS: ReadonlySet<string> = new Set([
  'dcgan-5',
  'pix2pix-out',
  'vqvae2-upsample_t',
  'sam-dc2',
  'depthanything-s-x2',
  'fsrcnn-x4',
  'dla-idaup-f4',
  'hifigan-up1',
  'encodec-up4',
  '3dgan-5',
]);
