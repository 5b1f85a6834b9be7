terraform {
  required_version = ">= 1.3"

  required_providers {
    huaweicloud = {
      source  = "huaweicloud/huaweicloud"
      version = "~> 1.97"
    }
  }
}

# Keys come from HW_ACCESS_KEY and HW_SECRET_KEY in the environment.
provider "huaweicloud" {
  region = var.region
}
